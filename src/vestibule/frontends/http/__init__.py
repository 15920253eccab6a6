"""The HTTP API, /api/v1.

Each module has one thing: `guard` is what every request passes first (host, caller, rate, size) and decides by the path
as it came; `attempts` signs people in; `users`, `groups`, … hand what they are asked to the flows; `problems` are all
the ways to say no. To add an operation: one function in the module of its resource, with its right, its models and its
examples; tests/frontends/http find it by themselves.
"""
