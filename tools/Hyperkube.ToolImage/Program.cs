using Hyperkube.ToolImage;

return await new Command(Console.Out, Environment.GetEnvironmentVariable, TimeProvider.System).RunAsync(args, Console.Error)
    .ConfigureAwait(false);
