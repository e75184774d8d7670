"""What exemplar completion stands on: pyramid, first fills, layout, patch field and voting.

Everything works on whole batches as flat lists: a pixel is a number into the table [B·H·W, F] of colours and texture
features, a patch is its centre's number, and only patches that touch a hole are in the lists.
"""
