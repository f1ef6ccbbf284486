"""Serves one WSGI app as `portal serve` serves the portal: `python -m benchmarks.host APP PORT`.

BENCH_SERVER picks the server: granian (the default) or gunicorn with its threads. Workers import
this module again, so what only the starting process needs is imported there alone.
"""

if __name__ == "__main__":
    import os
    import sys

    from portal.cli import serve, workers

    app, port = sys.argv[1], int(sys.argv[2])
    if os.environ.get("BENCH_SERVER", "granian") == "gunicorn":
        options = f"-k gthread -w 1 --threads {serve.THREADS} -b 127.0.0.1:{port} --keep-alive 75"
        arguments = [*options.split(), "--log-level", "warning", app]
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])
    workers.APPLICATION = app  # all the rest stays as the portal has it
    serve.run("127.0.0.1", port, workers=1)
