"""Uploads are cut off where no file of ours is so large: what is too large is never kept."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from portal.batches.files.limits import LARGEST_FILE

TOO_LARGE = "portal.upload_too_large"


class BoundedUpload(FileUploadHandler):
    """Stands before the handlers that keep files. The view asks `was_too_large(request)`."""

    size = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.size += len(raw_data)
        if self.size > LARGEST_FILE:
            if self.request is not None:
                self.request.META[TOO_LARGE] = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler keeps it."""


def was_too_large(request: Any) -> bool:
    """Whether a file of this request was dropped for its size."""
    return bool(request.META.get(TOO_LARGE))
