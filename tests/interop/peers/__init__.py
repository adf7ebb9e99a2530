"""The clients of other people, each behind the face of peer.Peer."""

from .agent import Aioxmpp, Slixmpp, Strophe, XmppJs
from .go_sendxmpp import GoSendxmpp
from .profanity import Profanity

ALL = (Slixmpp, Aioxmpp, Strophe, XmppJs, Profanity, GoSendxmpp)
