"""The WSGI application that the web server runs."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from kangqiao.base.server import door

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kangqiao.config.settings")
application = get_wsgi_application()
# Every page is loaded before the first is asked for, and before the tables it asks are there.
get_resolver().url_patterns  # noqa: B018 reading it loads it
door.wait()
