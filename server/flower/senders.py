"""Who a SuperNode says its messages are from."""

from flwr.proto.fleet_pb2 import PushMessagesRequest


def sent_as(body: bytes) -> set[str] | None:
    """Return the node ids, in decimal, in whose names a body of `push-messages` speaks.

    The SuperLink holds the caller to its key, and not the messages to the caller. None: the body is
    no such request.
    """
    try:
        request = PushMessagesRequest.FromString(body)
    except Exception:  # a hostile body can fail in any way inside protobuf
        return None
    senders = {m.metadata.src_node_id for m in request.messages_list}
    return {str(node) for node in {request.node.node_id, *senders}}
