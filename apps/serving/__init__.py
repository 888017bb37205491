"""A page in the browser that restores pictures, for `apps.restore --serve`."""
