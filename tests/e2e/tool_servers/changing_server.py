#!/usr/bin/env python3
"""A tool server of the standard library alone whose tools change: calling "grow" adds one, and says so first."""

import json
import sys

tools = ["grow"]


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


for line in sys.stdin:
    request = json.loads(line)
    method = request["method"]
    if method == "initialize":
        send({"id": request["id"], "result": {"protocolVersion": request["params"]["protocolVersion"],
                                              "capabilities": {"tools": {"listChanged": True}},
                                              "serverInfo": {"name": "changing", "version": "1"}}})
    elif method == "tools/list":
        send({"id": request["id"], "result": {"tools": [{"name": name, "inputSchema": {"type": "object"}}
                                                        for name in tools]}})
    elif method == "tools/call":
        tools.append(f"tool{len(tools)}")
        send({"method": "notifications/tools/list_changed"})
        send({"id": request["id"], "result": {"content": [{"type": "text", "text": str(len(tools))}]}})
