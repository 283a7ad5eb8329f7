using Hyperkube.Cli;

return await Run.AsExitCodeAsync(args, new CliHost
{
    Out = Console.Out,
    Error = Console.Error,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    Variable = Environment.GetEnvironmentVariable,
    AskSecret = SecretPrompt.Ask,
    BeginLongRun = NativeHeap.ReturnLargeBlocks,
}).ConfigureAwait(false);
