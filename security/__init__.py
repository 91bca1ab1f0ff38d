"""What the product stands on: floors below which no version may fall, licences, and the bill of materials."""
