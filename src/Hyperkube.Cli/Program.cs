using Hyperkube.Cli;

NativeHeap.ReturnLargeBlocks();
return await Run.AsExitCodeAsync(args, new CliHost
{
    Out = Console.Out,
    Error = Console.Error,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    Variable = Environment.GetEnvironmentVariable,
    AskSecret = SecretPrompt.Ask,
}).ConfigureAwait(false);
