"""One process a core, with threads so that connections can be kept alive."""

import os

workers = os.cpu_count()
worker_class = "gthread"
threads = 4
worker_connections = 2000
keepalive = 30
preload_app = True
accesslog = "-"
access_log_format = '{"method": "%(m)s", "path": "%(U)s", "status": %(s)s, "micros": %(D)s}'
# Heartbeats in memory, as gunicorn's own documentation advises for slow disks.
worker_tmp_dir = "/dev/shm"
# Nothing steers it while it is measured.
control_socket_disable = True
