"""The air of rooms: carbon dioxide, moisture, air change, infection, and what sensors tell about them."""
