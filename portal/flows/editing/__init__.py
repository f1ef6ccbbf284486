"""What the forms of the admin pages do, and what they show before anything is done."""
