using Hyperkube.E2E;
using Hyperkube.E2E.Host;
using Xunit.Sdk;
using Xunit.v3;

// Most of what these tests do is wait, for units to stay up or for killed runs: four at a time on two cores.
[assembly: Parallelization(Mode = ParallelMode.All, MaxThreads = 4)]
[assembly: AssemblyFixture(typeof(RealImages))]
[assembly: AssemblyFixture(typeof(KubeletImages))]
