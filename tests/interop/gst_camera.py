#!/usr/bin/python3
"""gst-rtsp-server as a camera: gst_camera.py [--record] LAUNCH… prints its port and serves /0, /1, …

Until it is ended. With --record it takes what is pushed to it.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer      # noqa: E402


def main(launches):
    record = launches[0] == "--record"
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for number, launch in enumerate(launches[record:]):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        factory.set_shared(True)
        if record:
            factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
        server.get_mount_points().add_factory(f"/{number}", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main(sys.argv[1:])
