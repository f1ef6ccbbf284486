"""Mail: what is written to whom, and the outbox that sends it.

outgoing_mail      the outbox; link_mail, link_trail for links that let somebody in
break_glass_alarm, rollout_mail   what people are told without having asked
"""
