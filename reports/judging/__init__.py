"""From stored records to statements: samples by class, what was measured, ranking and verdict."""
