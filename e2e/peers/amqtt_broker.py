"""An amqtt with a WebSocket listener: amqtt_broker.py PORT USER PASSWORD"""

import asyncio
import sys
import tempfile
from importlib.metadata import version

from amqtt.broker import Broker
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher


async def main() -> None:
    port, user, password = sys.argv[1:4]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as passwords:
        # The weakest hash there is: tests connect often.
        hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
        passwords.write(f"{user}:{hasher.hash(password)}\n")
        passwords.flush()
        broker = Broker({
            "listeners": {"default": {"type": "ws", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": passwords.name},
            },
        })
        print(f"amqtt {version('amqtt')} starts")
        await broker.start()
        await asyncio.Event().wait()


asyncio.run(main())
