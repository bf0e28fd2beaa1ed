"""What an app knows of features that a fleet may not use: one that does not pays next to nothing for their pages."""
