"""TLS in front of a plaintext mock cluster, and two servers that never answer.

Arguments: CERTIFICATE KEY HOST:PORT[,HOST:PORT...]. Prints three lines and ends at end of file on stdin:
    live HOST:PORT,...   one TLS listener for each broker; forwards, and rewrites the ports the cluster advertises
    hole HOST:PORT       finishes the TLS handshake, then reads and never answers
    deaf HOST:PORT       accepts the connection, and says nothing, not even hello
"""
import asyncio
import os
import ssl
import sys

HOST = "127.0.0.1"
GONE = (OSError, asyncio.IncompleteReadError)  # ssl.SSLError is an OSError


async def requests(client, broker):
    while data := await client.read(65536):
        broker.write(data)
        await broker.drain()


async def responses(broker, client, ports):
    """Whole frames, so that a name and its port are never cut apart. An advertised listener is the host's
    bytes followed by the port as an int32, in every version of Metadata, FindCoordinator and the like."""
    while True:
        size = await broker.readexactly(4)
        frame = await broker.readexactly(int.from_bytes(size, "big"))
        for plain, tls in ports.items():
            name = HOST.encode()
            frame = frame.replace(name + plain.to_bytes(4, "big"), name + tls.to_bytes(4, "big"))
        client.write(size + frame)
        await client.drain()


def forward(plain, ports):
    async def serve(reader, writer):
        broker_writer = None
        try:
            broker_reader, broker_writer = await asyncio.open_connection(HOST, plain)
            both = [asyncio.ensure_future(requests(reader, broker_writer)),
                    asyncio.ensure_future(responses(broker_reader, writer, ports))]
            done, rest = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            for task in done:
                task.result()
        except GONE:
            pass
        finally:
            writer.close()
            if broker_writer:
                broker_writer.close()
    return serve


async def swallow(reader, writer):
    try:
        while await reader.read(65536):
            pass
    except GONE:
        pass
    finally:
        writer.close()


async def main(certificate, key, brokers):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    ports = {}
    for plain in [int(b.rsplit(":", 1)[1]) for b in brokers.split(",")]:
        server = await asyncio.start_server(forward(plain, ports), HOST, 0, ssl=context)
        ports[plain] = server.sockets[0].getsockname()[1]
    hole = await asyncio.start_server(swallow, HOST, 0, ssl=context)
    deaf = await asyncio.start_server(swallow, HOST, 0)
    print("live", ",".join(f"{HOST}:{port}" for port in ports.values()))
    for name, server in (("hole", hole), ("deaf", deaf)):
        print(name, f"{HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main(*sys.argv[1:]))
