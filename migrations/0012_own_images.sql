-- What an app's next build is made on: the platform's stack, or `container`, its own Dockerfile.
ALTER TABLE apps ADD COLUMN stack TEXT NOT NULL DEFAULT 'debian-12' CHECK (stack IN ('debian-12', 'container'));
-- How the image of a slug that came from a Dockerfile is run; null where the stack runs it.
ALTER TABLE slugs ADD COLUMN own_image TEXT CHECK (own_image IS NULL OR json_valid(own_image));
