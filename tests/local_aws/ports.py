"""The ports that `make run` listens on. Another copy beside it takes others: `make run PORT=4670`."""

import os

PORT = int(os.environ.get("PORT") or 4570)
SANDBOX_PORT = int(os.environ.get("SANDBOX_PORT") or PORT + 10)
SHOP_PORT = int(os.environ.get("SHOP_PORT") or PORT + 20)
