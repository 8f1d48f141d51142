"""What ``tests/gpu/run`` does on a machine with a GPU, a module a step; each can also be run by itself."""
