"""
The URL of one upload: ``/<sub>/.hmacfs/uploads/<id>``.

Nobody can guess it, and it carries what signed the upload's beginning besides:
that is checked at every request.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from hmacfs.interfaces.web import IBody, ITakesBodies
from hmacfs.web import pages
from hmacfs.web.admission import Admission
from hmacfs.web.announcing import Announcing
from hmacfs.web.request import UploadRequest


@implementer(ITakesBodies)
class Resumption(Resource):
    """
    One upload, whether there is one or not.
    """

    isLeaf = True
    allowedMethods = (b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH")
    # POST is how a client that cannot send the others says what it means.
    body_methods = frozenset([b"PATCH", b"POST"])

    def __init__(self, admission: Admission, announcing: Announcing, id: str) -> None:
        super().__init__()
        self._admission = admission
        self._announcing = announcing
        self._id = id

    def admit(self, request: UploadRequest) -> Deferred[IBody]:
        """See :meth:`hmacfs.interfaces.web.ITakesBodies.admit`."""
        return self._admission.resume(request, self._id)

    def render_GET(self, request: UploadRequest) -> int:
        """Ask, or give up."""
        decided = self._admission.resume(request, self._id)
        decided.addCallback(lambda body: body.finished()).addErrback(request.processingFailed)
        return NOT_DONE_YET

    render_HEAD = render_GET
    render_DELETE = render_GET

    def render_OPTIONS(self, request: UploadRequest) -> int:
        """Tell what is allowed here."""
        allowed = b", ".join(self.allowedMethods)
        pages.preflight(request, allowed, self._announcing.fields(request))
        return NOT_DONE_YET
