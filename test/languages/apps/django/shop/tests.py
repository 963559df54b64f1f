from pathlib import Path

from django.template.loader import get_template
from django.test import SimpleTestCase


class PageTest(SimpleTestCase):
    def test_says(self):
        self.assertIn("django says", Path(get_template("page.html").origin.name).read_text())
