"""The one seam to gRPC: server, channel, raw codec, status mapping."""
