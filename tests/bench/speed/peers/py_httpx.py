"""httpx: one asynchronous client, as many connections as calls at once."""
import asyncio

import httpx

import work


async def main():
    limits = httpx.Limits(max_connections=work.AT_ONCE, max_keepalive_connections=work.AT_ONCE)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        async def create(i):
            answer = await client.post(work.URL, json=work.record(i), headers=work.HEADERS)
            work.check(answer.status_code, answer.json())

        await work.measure_async(create)


asyncio.run(main())
