int from_host_file() { return 1; }
