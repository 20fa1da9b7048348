"""Every benchmark, one after another: `make bench`. Figures are ratios to a baseline of the same run."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from app.embedded import embedded
from tests.benchmarks import analytics, handoffs, importing, ingest, live, pages, webhooks, writes
from tests.conftest import Servers


def main(names: list[str]) -> None:
    chosen = {
        "writes": writes.run,
        "pages": pages.run,
        "live": live.run,
        "handoffs": handoffs.run,
        "ingest": ingest.run,
        "webhooks": webhooks.run,
        "importing": importing.run,
        "analytics": analytics.run,
    }
    with TemporaryDirectory() as folder, embedded(Path(folder)) as own:
        servers = Servers(own.mongodb_uri, own.redis_url, "bench")
        for name, run in chosen.items():
            if not names or name in names:
                asyncio.run(run(servers))


if __name__ == "__main__":
    main(sys.argv[1:])
