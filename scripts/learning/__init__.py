"""Parts of scripts/bench_learning and scripts/sweep: what is learned over nights. See README.md."""
