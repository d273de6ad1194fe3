"""Everything a client needs: config, resource types, API messages, client. Pure: no root, no Linux."""
