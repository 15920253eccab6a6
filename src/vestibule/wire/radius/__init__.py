"""RADIUS between octets and values (RFC 2865, 2866, 3579, 5997).

`packet` frames, `authenticity` proves, `password` and `salted` hide, `reply` answers, `client` asks, `dictionary`
names, `passing` carries from one server to another, `stream` frames where there are no datagrams (RFC 6614).
"""
