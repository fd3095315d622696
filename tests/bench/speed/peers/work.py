"""The unit of work, and how a Python client measures itself: see ../work.lua."""
import asyncio
import resource
import sys
import time

TOKEN = "bench-token-0123456789abcdef0123456789abcdef"
HEADERS = {"Accept": "application/json", "Authorization": "Bearer " + TOKEN}
URL, CALLS, AT_ONCE = sys.argv[1] + "/things", int(sys.argv[2]), int(sys.argv[3])


def record(i):
    return {
        "name": "Support line %d" % i,
        "description": "The front desk of a customer in the north, open from eight to six on every working day",
        "channel": "sms", "callback_url": "https://hooks.customer.example/luaprov/inbound/messages", "language": "en",
        "priority": 5, "enabled": True, "external_id": "customer-000042/line-0007",
    }


def check(status, answer):
    assert status == 201 and answer["id"] == "7f3c1a90"


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(run):
    run(max(AT_ONCE, CALLS // 10))
    began, clock = cpu(), time.monotonic()
    run(CALLS)
    print("%d %.6f %.6f" % (CALLS, cpu() - began, time.monotonic() - clock))


async def at_once(create, calls):
    left = iter(range(calls))

    async def worker():
        for i in left:
            await create(i)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def measure_async(create):
    await at_once(create, max(AT_ONCE, CALLS // 10))
    began, clock = cpu(), time.monotonic()
    await at_once(create, CALLS)
    print("%d %.6f %.6f" % (CALLS, cpu() - began, time.monotonic() - clock))
