"""A device made of pymodbus, in a process of its own: prints its port, and serves until killed."""

import asyncio

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COILS = [SimData(0, values=[True, False, True], datatype=DataType.BITS)]
DISCRETE = [SimData(0, values=[False, True], datatype=DataType.BITS)]
HOLDING = [
    SimData(0, values=2304, datatype=DataType.UINT16),
    SimData(1, values=-105, datatype=DataType.INT16),
    SimData(2, values=-123_456, datatype=DataType.INT32),
    SimData(4, values=4_000_000_000, datatype=DataType.UINT32),
    SimData(6, values=21.5, datatype=DataType.FLOAT32),
    SimData(8, values=float("nan"), datatype=DataType.FLOAT32),
]
INPUT = [SimData(10, values=777, datatype=DataType.UINT16)]


async def main():
    devices = [SimDevice(unit, simdata=(COILS, DISCRETE, HOLDING, INPUT)) for unit in (1, 7)]
    server = ModbusTcpServer(devices, address=("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve_forever())
    while not server.transport:
        await asyncio.sleep(0.01)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await serving


asyncio.run(main())
