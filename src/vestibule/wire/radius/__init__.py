"""RADIUS between octets and values (RFC 2865, 2866, 3579, 5997).

`packet` frames, `authenticity` proves, `password` hides, `reply` answers, `client` asks, `dictionary` names.
"""
