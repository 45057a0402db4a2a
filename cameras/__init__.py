"""Frame sources (files, image folders, GIFs, RTSP, webcams) behind one protocol, with clocks that can be trusted.

A source yields ``Frame``; files never drop one, live sources hand out the newest only.
"""
