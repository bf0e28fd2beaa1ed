"""What every long-running part needs: the shape of a service, who this process is, and how outages are waited out."""
