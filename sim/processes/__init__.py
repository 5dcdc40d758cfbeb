"""What happens in a month: one file a process, its kernels and the lines that call them."""
