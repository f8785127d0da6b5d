"""HTTP/1.1 without I/O: request heads, a push parser for responses, and the decision to reuse a connection.

Nothing here knows sockets, clocks or asyncio. A transport sends the bytes of `request.encode_head`, passes every byte
that it receives to `response.ResponseParser`, and says when the connection ended or the deadline passed; each of the
three can give the `Exchange` that ends the request.

Modules, lowest first: `limits` and `grammar` (constants), `content` (Content-Encoding and size), `head` (header
blocks), `framing` (the end of a body, and reuse), `request`, `response`.
"""
