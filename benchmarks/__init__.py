"""The benchmarks: the portal beside plain Flask and beside SSOJet's quick start, in one call.

    __main__     the story: fill, start everything, measure in turns, print, draw
    machinery    figures (values and medians) -> aims -> report (tables) and picture (SVG)
    stand        starts and stops what is measured; reads processor time and memory
    host         serves one WSGI app just as `portal serve` does
    filling      databases of any number of domains, written by the drivers themselves
    load         the load: a process of its own, raw sockets, every answer checked
    bare_app     what Flask costs at least
    sample_app   SSOJet's quick start: Flask and Authlib, one tenant
    stub_provider   an OpenID provider that does as little as one can

`make bench` runs it; `docs/benchmarks.md` says how to read it. `load` may import only the standard
library: it shares the machine with what it measures.
"""
