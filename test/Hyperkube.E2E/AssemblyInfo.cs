using Hyperkube.E2E;
using Xunit.Sdk;
using Xunit.v3;

// Engines and the measured stops share two cores: one test at a time.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(RealImages))]
