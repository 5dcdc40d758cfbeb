"""Many runs: design, plan, launch, resume, collect."""
