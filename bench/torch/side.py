"""The other end of bench/side.ts: one JSON line in, one JSON line out, until stdin ends."""

import json
import os
import sys


def serve(handlers):
    """Answers each request with the handler that its `do` names."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed must not stand between the replies
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = {"answer": handlers[request.pop("do")](**request)}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
