"""aiohttp: one session, as many connections as calls at once."""
import asyncio

import aiohttp

import work


async def main():
    connector = aiohttp.TCPConnector(limit=work.AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, headers=work.HEADERS) as session:
        async def create(i):
            async with session.post(work.URL, json=work.record(i)) as answer:
                work.check(answer.status, await answer.json())

        await work.measure_async(create)


asyncio.run(main())
