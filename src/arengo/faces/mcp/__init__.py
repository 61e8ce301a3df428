"""Assistants: the Model Context Protocol over streamable HTTP at ``/mcp``, stateless, read only.

The protocol's library is imported with the first request: who never meets an assistant pays nothing for it.
"""
