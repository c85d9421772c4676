"""A camera made of GStreamer's RTSP server, for Debian's own Python: prints its ports, serves until killed.

Three doors to the same streams: for everybody, for who answers Digest, for who answers Basic.
"""

import gi

for name, version in (("Gst", "1.0"), ("GstRtsp", "1.0"), ("GstRtspServer", "1.0")):
    gi.require_version(name, version)

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - only now

STREAMS = {
    "/picture": "( videotestsrc is-live=true ! jpegenc ! rtpjpegpay name=pay0"
    " audiotestsrc is-live=true ! mulawenc ! rtppcmupay name=pay1 )",
    "/sound": "( audiotestsrc is-live=true ! mulawenc ! rtppcmupay name=pay0 )",
}


def door(method):
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for path, launch in STREAMS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        role = "duty, media.factory.access=true, media.factory.construct=true"
        if method is not None:
            factory.add_role_from_structure(Gst.Structure.new_from_string(role))
        server.get_mount_points().add_factory(path, factory)
    if method is not None:
        server.set_auth(guard(method))
    server.attach(None)
    return server


def guard(method):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(method)
    auth.set_realm("county")
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "duty")
    auth.add_digest("duty", 's3cret: \\"x', token)
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("duty", 's3cret: \\"x'), token)
    return auth


Gst.init(None)
doors = [door(method) for method in (None, GstRtsp.RTSPAuthMethod.DIGEST, GstRtsp.RTSPAuthMethod.BASIC)]
print(*(each.get_bound_port() for each in doors), flush=True)
GLib.MainLoop().run()
