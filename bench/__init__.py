"""`python -m bench`: what a sign-in costs, beside baselines of the same run; docs/performance.md says how."""
