"""A server of the official Python SDK: `http` (prints its port), or `stdio`."""

import socket
import sys

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

server = MCPServer("python", version="3.0.0")


class Sum(BaseModel):
    sum: float


@server.tool(description="Gives back what it gets")
def echo(text: str) -> str:
    if text == "fail":
        raise ToolError("failed on purpose")
    return text


@server.tool(description="Adds two numbers")
def add(a: float, b: float) -> Sum:
    return Sum(sum=a + b)


@server.tool(description="Takes some steps, and writes into a file when it is cancelled")
async def slow(steps: int, ctx: Context, file: str | None = None) -> str:
    try:
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps)
            await anyio.sleep(0.02)
    except anyio.get_cancelled_exc_class():
        if file is not None:
            with open(file, "a", encoding="utf-8") as log:
                log.write("cancelled\n")
        raise
    return f"{steps} steps"


@server.resource("greeting://world", description="A greeting")
def greeting() -> str:
    return "hello from python"


@server.prompt(description="A greeting")
def greet(name: str) -> str:
    return f"Greet {name}"


if sys.argv[1] == "http":
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(port, flush=True)
    server.run("streamable-http", host="127.0.0.1", port=port)
else:
    server.run("stdio")
