"""Runs a command with a syslog of our own at /dev/log and prints what arrives there; "BUSY" when the machine has one."""

import os
import select
import socket
import subprocess
import sys

door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
try:
    door.bind("/dev/log")
except OSError:
    print("BUSY")
    sys.exit(0)
try:
    subprocess.run(sys.argv[1:], timeout=30, check=True)
    while select.select([door], [], [], 1.0)[0]:
        print(door.recv(65536).decode(errors="replace"))
finally:
    os.unlink("/dev/log")
