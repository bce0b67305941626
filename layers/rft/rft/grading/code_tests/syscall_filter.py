"""What the code of an answer may not ask of the kernel, as a filter for Linux's seccomp.

It may compute, read files and write to what is open. It may start no process or thread, send no signal, open no socket,
look into no other process, leave its process group, and neither make, change nor remove a file. What is refused fails
with EPERM.
"""

from __future__ import annotations

import platform
import struct
import sys

# Numbers of x86-64 and of AArch64 (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h); None
# where the machine has no such call.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "clone": (56, 220), "fork": (57, None), "vfork": (58, None), "clone3": (435, 435),
    "execve": (59, 221), "execveat": (322, 281), "unshare": (272, 97), "setns": (308, 268),
    "setsid": (112, 157), "setpgid": (109, 154),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "prlimit64": (302, 261), "setrlimit": (160, 164),
    "socket": (41, 198), "io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "memfd_create": (319, 279), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "mount": (165, 40),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "open": (2, None), "creat": (85, None), "openat2": (437, 437), "truncate": (76, 45),
    "mkdir": (83, None), "mkdirat": (258, 34), "mknod": (133, None), "mknodat": (259, 33),
    "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
}  # fmt: skip
_MACHINES = {"x86_64": (0, 0xC000003E, 257), "aarch64": (1, 0xC00000B7, 56)}  # column, AUDIT_ARCH_*, openat
_OTHER_ABI = 0x40000000  # x32's calls on x86-64 begin here
_OPENS_FOR_WRITING = 0o1 | 0o2 | 0o100 | 0o1000  # O_WRONLY, O_RDWR (and so O_TMPFILE), O_CREAT, O_TRUNC

# Offsets in struct seccomp_data, and the instructions of a classic BPF program.
_NUMBER, _ARCHITECTURE, _THIRD_ARGUMENT = 0, 4, 32
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # the second with EPERM


def program(machine: str | None = None) -> bytes:
    """The filter for a machine (this one's kind), "" for one whose system calls aren't known here."""
    known = _MACHINES.get(machine or (platform.machine() if sys.platform == "linux" else ""))
    if known is None:
        return b""
    column, architecture, openat = known
    numbers = sorted(number for call in _REFUSED.values() if (number := call[column]) is not None)
    # Every "refuse" jumps to the last instruction; a jump counts from the one after it.
    steps: list[tuple[int, int, str, str]] = [
        (_LOAD, _ARCHITECTURE, "", ""),
        (_IF_EQUAL, architecture, "", "refuse"),
        (_LOAD, _NUMBER, "", ""),
        (_IF_AT_LEAST, _OTHER_ABI, "refuse", ""),
        *((_IF_EQUAL, number, "refuse", "") for number in numbers),
        (_IF_EQUAL, openat, "", "allow"),
        (_LOAD, _THIRD_ARGUMENT, "", ""),
        (_IF_ANY_BIT, _OPENS_FOR_WRITING, "refuse", ""),
        (_RETURN, _ALLOW, "", ""),
        (_RETURN, _REFUSE, "", ""),
    ]
    targets = {"": 0, "allow": len(steps) - 2, "refuse": len(steps) - 1}

    def distance(at: int, target: str) -> int:
        return targets[target] - at - 1 if target else 0

    return b"".join(
        struct.pack("=HBBI", code, distance(at, true), distance(at, false), operand)
        for at, (code, operand, true, false) in enumerate(steps)
    )
