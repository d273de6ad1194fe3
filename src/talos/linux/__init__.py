"""The only room that talks to the kernel: system calls, sockets of the kernel, processes, pseudo file systems."""
